"""Pages for people: what is served, how good it is, how fresh, and what to do about it. The API's routes know nothing of them."""
