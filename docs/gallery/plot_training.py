"""
One-pass SGD against its limit
==============================

With inputs of high dimension the overlaps of one-pass SGD follow a deterministic flow. At a
finite learning rate the flow has a noise term, and without it the limit is a wrong one.
"""

import matplotlib.pyplot as plt
import numpy as np

import landtopo as lt

teacher = lt.Teacher.orthonormal(2)
rate, times = 0.5, np.linspace(0, 20, 41)
weights = np.array([[0.5, 0.2], [0.1, 0.6]])
start = lt.summary_statistics(teacher, weights)

finite = lt.TeacherStudent(teacher, width=2, dim=1000)
run = lt.run_sgd(finite, weights, rate=rate, times=times, seed=0)
infinite = lt.TeacherStudent(teacher, width=2)
flow = lt.flow_statistics(infinite, start.student, start.overlap, rate=rate)
_, overlap = flow.at(times)

figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
for k, m in ((0, 0), (0, 1)):
    (line,) = ax.plot(times, overlap[:, k, m], label=f"$R_{{{k + 1}{m + 1}}}$, flow")
    ax.plot(times, run.overlap[0, :, k, m], ".", color=line.get_color(), label="SGD, d = 1000")
ax.set(xlabel="time (steps / d)", ylabel="overlap")
ax.legend()
plt.show()
