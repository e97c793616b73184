"""Items by words of their titles and by category: an index that a process holds once it has been asked."""
