"""
A teacher with correlated neurons
=================================

With equal negative correlations four neurons are enough for a spurious minimum. Across three
widths the graph shows where it goes.
"""

import matplotlib.pyplot as plt

import landtopo as lt

teacher = lt.Teacher.equicorrelated(4, -0.2)
graph = lt.landscape_graph(teacher, widths=[4, 5], starts=150, seed=0)
for name, family in graph.nodes(data=True):
    print(f"{name}: loss {family['loss']:.6f}, {family['description']}")

# %%
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
lt.plot.graph(graph, ax=ax)
plt.show()
