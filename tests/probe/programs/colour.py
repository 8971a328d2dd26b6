"""Filters of colour pictures by OpenCV, which reads three channels of any: python colour.py NAME INPUT OUTPUT."""

import sys

import cv2
import numpy as np

# Rows: blue, green, red of the answer, in OpenCV's order.
MIXING = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.1, 0.9]])


def _apart(picture: np.ndarray) -> np.ndarray:
    answer = picture.copy()
    answer[..., 2] = cv2.GaussianBlur(np.ascontiguousarray(picture[..., 2]), (5, 5), 1.0)
    answer[..., 1] = cv2.blur(np.ascontiguousarray(picture[..., 1]), (3, 3))
    return answer


def _mixed(picture: np.ndarray) -> np.ndarray:
    values = cv2.blur(picture.astype(float), (3, 3)) @ MIXING.T
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _varying(picture: np.ndarray) -> np.ndarray:
    across = np.linspace(0.0, 1.0, picture.shape[1])[None, :, None]
    blurred = cv2.GaussianBlur(picture, (7, 7), 1.5).astype(float)
    return np.rint((1.0 - across) * picture + across * blurred).astype(np.uint8)


FILTERS = {
    "alike": lambda picture: cv2.GaussianBlur(picture, (5, 5), 1.0),
    "apart": _apart,
    "mixed": _mixed,
    "varying": _varying,
    "halved": lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC),
}

if __name__ == "__main__":
    name, before, after = sys.argv[1:]
    cv2.imwrite(after, FILTERS[name](cv2.imread(before)))
