-- One row per invoice and load of it.
select *
from {{ ref('raw_invoices') }}
