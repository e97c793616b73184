"""Events out of streams of the user's own, into Larder's."""
