-- One row per identifier that ever changed, with the same person's newest one. Numbers that are linked, directly or through
-- others, in one file or in several, belong to one person; intake refuses circles.
with recursive links as (
    select * from {{ ref('int_identifier_links') }}
),

neighbors as (
    select previous_mbi as mbi, current_mbi as neighbor from links
    union
    select current_mbi as mbi, previous_mbi as neighbor from links
),

-- The path so far ends the recursion, because Spark's recursion has no set union.
same_person as (
    select mbi, mbi as member, {{ text_list(['mbi']) }} as way from neighbors group by mbi
    union all
    select same_person.mbi, neighbors.neighbor as member, array_append(same_person.way, neighbors.neighbor) as way
    from same_person
    inner join neighbors on same_person.member = neighbors.mbi
    where not array_contains(same_person.way, neighbors.neighbor)
),

-- A number that nothing replaces. If a person has two of them, the one that CMS named last.
newest as (
    select current_mbi, max(newest_file_date) as named_on
    from links
    where current_mbi not in (select previous_mbi from links)
    group by current_mbi
)

select
    same_person.mbi,
    newest.current_mbi
from same_person
inner join newest on same_person.member = newest.current_mbi
qualify row_number() over (partition by same_person.mbi order by newest.named_on desc, newest.current_mbi desc) = 1
