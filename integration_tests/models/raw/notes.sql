-- One row per delivery of a note.
select
    replace(note_id, '<empty>', '') as note_id,
    author,
    written_at,
    loaded_at,
    replace(body, '<blanks>', '  ') as body
from {{ ref('raw_notes') }}
