"""
Flat, or only flat to second order
==================================

A student that is wider than its teacher has many zero eigenvalues at zero loss. How many of
them are directions in which the loss stays zero?
"""

import matplotlib.pyplot as plt

import landtopo as lt

problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=4, dim=3)
weights = [[0.4, 0], [0.6, 0], [0, 0.3], [0, 0.7]]
report = lt.flat_directions(problem, weights)
print(report)

# %%
# Two neurons too many give two flat directions, in which weight moves between parallel neurons. All
# other null directions are walls: the loss rises like the third power of the distance.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
lt.plot.null_spectrum(report, ax=left)
lt.plot.null_growth(report, ax=right)
plt.show()
