-- Promise 2: the changes of each version add up to the difference from the version before, and none is unexplained.
{{ dbt_forensics.unexplained_versions(ref('int_forensics__metric_log').render(), ref('int_forensics__watch_log').render()) }}
