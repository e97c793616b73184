"""A second opinion on a generation: is all of it as it should be?"""
