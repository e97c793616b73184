SELECT
    item_id,
    COUNT(*) AS lists,
    SUM(CASE WHEN rank = 1 THEN 1 ELSE 0 END) AS lists_that_begin_with_it,
    1.0 * COUNT(*) / (SELECT COUNT(DISTINCT user_id) FROM {{ source('larder', 'recommendations') }}) AS share_of_users,
    COUNT(*) FILTER (WHERE item_id IN (SELECT item_id FROM {{ ref('top_recommendations') }})) > 0 AS is_among_the_first_three
FROM {{ source('larder', 'recommendations') }}
GROUP BY item_id
