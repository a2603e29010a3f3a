"""The idx format of MNIST: a big-endian header and an array of bytes (http://yann.lecun.com/exdb/mnist/)."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.errors import DataError
from train.sources.archives import gunzip

_UINT8 = 8  # type byte of the header


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of an idx file, plain or .gz.

    Raises DataError when the file is not an idx file of uint8 with `dimensions` dimensions, or is truncated.
    """
    data = gunzip(path) if path.suffix == ".gz" else path.read_bytes()
    header = 4 * (1 + dimensions)
    if len(data) < header or data[:4] != bytes((0, 0, _UINT8, dimensions)):
        raise DataError(f"{path} is not an idx file of {dimensions} dimensions: download it again")
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    pixels = np.frombuffer(data, dtype=np.uint8, offset=header)
    if pixels.size != int(np.prod(shape, dtype=np.int64)):
        raise DataError(f"{path} should have {shape} bytes and has {pixels.size}: download it again")
    return pixels.reshape(shape)
