"""
A pass that leaves the teacher's plane
======================================

The student of two neurons can take the teacher's two neurons in either order. In two dimensions
the lowest way from one order to the other is higher than in three or more: with room outside
the teacher's plane, the transition state goes around.
"""

import matplotlib.pyplot as plt
import numpy as np

import landtopo as lt

teacher = lt.Teacher.orthonormal(2)
figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
for dim in (2, 3, None):
    problem = lt.TeacherStudent(teacher, width=2, dim=dim)
    path = lt.connect(problem, np.eye(2), np.eye(2)[::-1], seed=0)
    named = "infinitely many dimensions" if dim is None else f"{dim} dimensions"
    print(f"{named}: barrier {path.barrier:.7f}, verified: {path.verified}")
    ax.plot(path.positions, path.losses, label=named, linestyle="--" if dim == 3 else "-")
ax.set(xlabel="distance along the path", ylabel="loss")
ax.legend()
plt.show()
