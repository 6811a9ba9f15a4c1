// The data of the page, which are deflated where they are long.

async function readData() {
  const { type, textContent } = document.getElementById("data");
  if (type === "application/json") return JSON.parse(textContent);
  const packed = atob(textContent);
  const bytes = new Uint8Array(packed.length);
  for (let place = 0; place < packed.length; place += 1) bytes[place] = packed.charCodeAt(place);
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(inflated).text());
}
