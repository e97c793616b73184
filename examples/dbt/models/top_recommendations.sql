SELECT lists.user_id, lists.rank, lists.item_id, lists.score, exports.generation, exports.trained_at
FROM {{ source('larder', 'recommendations') }} AS lists
CROSS JOIN (SELECT generation, trained_at FROM {{ source('larder', 'larder_exports') }} WHERE table_name = 'recommendations') AS exports
WHERE lists.rank <= 3
