"""What models of items are made with: Gram matrices, ridge regressions, an inverse, and the items × items matrices that come of them."""
