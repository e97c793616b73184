"""A family of linear item-item models: score = A · S + prior, with A the affinities of users, S an items × items matrix.

Each model is a module with `Parameters`, `fit(rows, parameters, limits)` and `cost(shape, parameters, limits)`; family.py knows them by
name. Beside them: blend.py, the weighted sum of two; trend.py, the prior. engine/weighing makes rows, engine/linear the matrices.
"""
