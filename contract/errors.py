"""Every error that Larder raises on purpose.

LarderError                  one base class: a message for people, an exit code for scripts
├── SettingsError       2    an environment variable or option is unknown or has a bad value
├── DataError           3    interactions or items can't be used: which file, column, row
├── ArtifactError       4    an artifact is missing, truncated or of another format
├── GenerationError     5    a generation is not in the state that the call needs
│   ├── GenerationFailedError     it was given up; the message carries the reason
│   ├── RunCancelledError         a person cancelled the run
│   ├── TakenOverError            another process makes it now, so this one ends
│   ├── ErasedMeanwhileError      users were erased while it was made: leave them out and begin again
│   └── GateError       8         it is complete, and worse than the gate allows
├── StoreError          6    Redis can't be reached, or refuses
│   ├── StoreFullError            a generation would not fit, or did not
│   ├── NotReplicatedError        fewer replicas than LARDER_MIN_REPLICAS have what was written
│   ├── FeedError                 a stream that events are read from can't be reached
│   ├── NothingPromotedError      there is no generation to read from yet
│   └── UnknownJobError           the queue holds a job that Larder did not put there: it is not carried out
├── PayloadError        7    bytes in Redis are not a list that this version can read
├── TargetError         9    what an export should write to can't be written, or holds something else
├── ErasureError       10    a user is in no list any more, and something that is named may still hold the user's rows
└── SparkError         11    the engine spark did not start, or a job of it failed

What is raised without purpose ends a command line with 70 (contract/command_exit.py).
"""

from __future__ import annotations


class LarderError(Exception):
    """Base of all. `str(error)` is one sentence or more that say what happened and what to do."""

    exit_code = 1
    transient = False
    """Whether a job that raised it may succeed when it is tried again."""


class SettingsError(LarderError):
    exit_code = 2


class DataError(LarderError):
    exit_code = 3


class ArtifactError(LarderError):
    exit_code = 4


class GenerationError(LarderError):
    exit_code = 5


class GenerationFailedError(GenerationError):
    pass


class RunCancelledError(GenerationError):
    pass


class TakenOverError(GenerationError):
    pass


class ErasedMeanwhileError(GenerationError):
    pass


class GateError(GenerationError):
    exit_code = 8


class StoreError(LarderError):
    exit_code = 6
    transient = True


class StoreFullError(StoreError):
    transient = False


class FeedError(StoreError):
    transient = False


class NotReplicatedError(StoreError):
    pass


class NothingPromotedError(StoreError):
    transient = False


class UnknownJobError(StoreError):
    transient = False


class PayloadError(LarderError):
    exit_code = 7


class TargetError(LarderError):
    exit_code = 9


class ErasureError(LarderError):
    exit_code = 10


class SparkError(LarderError):
    exit_code = 11


def name_of(error: BaseException | None) -> str:
    """The class of an error, by which others tell what to do: of an error of Larder's own the nearest class that stands here."""
    known = [kind for kind in type(error).__mro__ if kind.__module__ == __name__]
    return (known or [type(error)])[0].__name__
