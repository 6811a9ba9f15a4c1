"""
A family at any size
====================

Minima of an orthonormal teacher with one anti-aligned neuron have the same form at every size.
The form has a handful of numbers, which can be followed to any size, real ones included, with
the whole spectrum.
"""

import matplotlib.pyplot as plt
import numpy as np

import landtopo as lt

sizes = np.geomspace(6, 1000, 9)
families = [lt.block_family(anti_aligned=1, size=float(size)) for size in sizes]
losses = np.array([family.loss for family in families])

figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.semilogx(sizes, sizes * losses, "o-", markersize=4)
ax.axhline(0.5 - 2 / np.pi**2, linestyle=":", color="grey", label=r"limit $1/2 - 2/\pi^2$")
ax.set(xlabel="K = M", ylabel="K times the loss")
ax.legend()
plt.show()

# %%
# At integer sizes it is the minimum that random starts find; the loss at K = M = 6 is 0.0250805810
# in the published data of Safran, Yehudai and Shamir (2021).
print(f"{lt.block_family(anti_aligned=1, size=6).loss:.10f}")
