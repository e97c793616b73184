"""What comes from outside, held to strict models: nothing is coerced, and what is wrong is said in words."""
