"""The names of the two queues. Not in jobs.py: importing that loads RQ, and a process that only counts does not need it."""

from __future__ import annotations

TRAIN_QUEUE = "train"
SCORE_QUEUE = "score"
QUEUES = (TRAIN_QUEUE, SCORE_QUEUE)
