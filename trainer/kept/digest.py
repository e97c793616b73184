"""XXH64, a checksum of bytes at the speed of memory: whether the beginning of a file that has grown is still what was read.

It finds what programs and people do to a file, all but one in 2^64. It is no protection from somebody who looks for another file with
the same checksum; whoever can write the source can put anything there.
"""

from __future__ import annotations

import numpy as np

from trainer.kept import digest_kernels as kernels


def digest(data: bytes | memoryview, seed: int = 0) -> int:
    """`seed`: the digest of what stands before."""
    return int(kernels.xxh64(np.frombuffer(data, np.uint8), np.uint64(seed)))
