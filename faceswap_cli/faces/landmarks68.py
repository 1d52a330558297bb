"""The 68-point face scheme (iBUG 300-W): which point is what, its mirror image, and its mean shape in 3-D."""

from __future__ import annotations

import numpy as np

JAW = np.arange(0, 17)
LEFT_BROW, RIGHT_BROW = np.arange(17, 22), np.arange(22, 27)
BROWS = np.arange(17, 27)
NOSE = np.arange(27, 36)
NOSTRILS = np.arange(31, 36)
LEFT_EYE, RIGHT_EYE = np.arange(36, 42), np.arange(42, 48)
OUTER_LIPS, INNER_LIPS = np.arange(48, 60), np.arange(60, 68)
MOUTH = np.arange(48, 68)
UPPER_LIP_EDGE, LOWER_LIP_EDGE = np.array([61, 62, 63]), np.array([67, 66, 65])
"""The inner edges of the lips, pairs that touch when the mouth is shut."""

MIRRORED = np.concatenate([
    np.arange(16, -1, -1), np.arange(26, 16, -1), np.arange(27, 31), np.arange(35, 30, -1),
    [45, 44, 43, 42, 47, 46], [39, 38, 37, 36, 41, 40],
    np.arange(54, 47, -1), np.arange(59, 54, -1), np.arange(64, 59, -1), np.arange(67, 64, -1),
])
"""`points[MIRRORED]`, with x flipped, is the scheme on the mirror image ("left" is the picture's left)."""

# Unit: inter-ocular distance (between the centres of the eyes); x right, y down, z away from the viewer.
# From an orthographic factorisation (Tomasi & Kanade 1992, alternated and symmetrised) of dlib's own landmarks on
# photographs, made for this project: no third-party shape data is in it.
MEAN_SHAPE = np.array([
    (-1.150, -0.454, 0.868), (-1.139, -0.157, 0.833), (-1.102, 0.141, 0.811), (-1.040, 0.432, 0.790),
    (-0.928, 0.706, 0.717), (-0.751, 0.947, 0.595), (-0.532, 1.153, 0.438), (-0.282, 1.318, 0.272),
    (0.000, 1.366, 0.217), (0.282, 1.318, 0.272), (0.532, 1.153, 0.438), (0.751, 0.947, 0.595),
    (0.928, 0.706, 0.717), (1.040, 0.432, 0.790), (1.102, 0.141, 0.811), (1.139, -0.157, 0.833),
    (1.150, -0.454, 0.868), (-0.927, -0.676, 0.271), (-0.782, -0.794, 0.127), (-0.584, -0.825, 0.008),
    (-0.381, -0.794, -0.080), (-0.188, -0.716, -0.141), (0.188, -0.716, -0.141), (0.381, -0.794, -0.080),
    (0.584, -0.825, 0.008), (0.782, -0.794, 0.127), (0.927, -0.676, 0.271), (0.000, -0.487, -0.138),
    (0.000, -0.293, -0.237), (0.000, -0.099, -0.344), (0.000, 0.099, -0.448), (-0.218, 0.231, -0.150),
    (-0.113, 0.270, -0.203), (0.000, 0.305, -0.234), (0.113, 0.270, -0.203), (0.218, 0.231, -0.150),
    (-0.695, -0.460, 0.190), (-0.571, -0.528, 0.122), (-0.423, -0.525, 0.097), (-0.296, -0.432, 0.103),
    (-0.435, -0.406, 0.110), (-0.580, -0.409, 0.134), (0.296, -0.432, 0.103), (0.423, -0.525, 0.097),
    (0.571, -0.528, 0.122), (0.695, -0.460, 0.190), (0.580, -0.409, 0.134), (0.435, -0.406, 0.110),
    (-0.439, 0.588, 0.233), (-0.278, 0.521, 0.014), (-0.116, 0.487, -0.113), (0.000, 0.516, -0.126),
    (0.116, 0.487, -0.113), (0.278, 0.521, 0.014), (0.439, 0.588, 0.233), (0.284, 0.743, 0.076),
    (0.126, 0.813, -0.027), (0.000, 0.826, -0.045), (-0.126, 0.813, -0.027), (-0.284, 0.743, 0.076),
    (-0.368, 0.597, 0.197), (-0.118, 0.586, -0.063), (0.000, 0.598, -0.085), (0.118, 0.586, -0.063),
    (0.368, 0.597, 0.197), (0.119, 0.661, -0.045), (0.000, 0.675, -0.063), (-0.119, 0.661, -0.045),
])
"""float64 (68, 3): the mean face."""

# The scheme has no points above the brows. An outer arc, temple to temple, and an inner row, from facial thirds.
FOREHEAD = np.array([
    (-1.130, -0.720, 0.740), (-1.030, -0.980, 0.520), (-0.860, -1.200, 0.300), (-0.620, -1.360, 0.120),
    (-0.320, -1.450, 0.020), (0.000, -1.480, -0.010), (0.320, -1.450, 0.020), (0.620, -1.360, 0.120),
    (0.860, -1.200, 0.300), (1.030, -0.980, 0.520), (1.130, -0.720, 0.740), (-0.660, -1.080, 0.070),
    (-0.330, -1.130, -0.060), (0.000, -1.140, -0.100), (0.330, -1.130, -0.060), (0.660, -1.080, 0.070),
])
"""float64 (16, 3): points 68..78 the outer arc, 79..83 the inner row."""

EXTENDED_SHAPE = np.vstack([MEAN_SHAPE, FOREHEAD])
"""float64 (84, 3): the mean face with its forehead."""

FOREHEAD_ARC = np.arange(68, 79)
OUTLINE = np.concatenate([JAW, FOREHEAD_ARC[::-1]])
"""The closed outline of the extended face: along the jaw, back over the forehead."""
