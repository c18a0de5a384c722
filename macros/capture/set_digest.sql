{% macro set_digest(digest) %}
    {#-
        Aggregate, text: the digest of a set of rows from the digests of its rows, whatever their order: how many they are,
        and the sums of the two words of their digests, modulo 2^60. (Were the words combined by XOR, equal pairs would cancel.)
        digest: a column or expression with digests in hexadecimal, such as row_digest() gives.
    -#}
    cast(count({{ digest }}) as {{ dbt.type_string() }})
    {%- for number in [1, 2] %} || '-' || cast(coalesce(mod(sum({{ dbt_forensics.digest_word(digest, number) }}), {{ dbt_forensics.word_modulus() }}), 0) as {{ dbt.type_string() }})
    {%- endfor %}
{%- endmacro %}


{% macro word_modulus() %}
    {#- 2^60: what sums of digest words are taken modulo. -#}
    {{ return('1152921504606846976') }}
{% endmacro %}


{% macro digest_of_words(count, word_1, word_2) %}
    {#- Text: a set digest from its parts: how many rows, and the two sums of words. -#}
    {%- set parts = [] -%}
    {%- for part in [count, word_1, word_2] -%}
        {%- do parts.append('cast(' ~ part ~ ' as ' ~ dbt.type_string() ~ ')') -%}
    {%- endfor -%}
    {{ return(parts | join(" || '-' || ")) }}
{% endmacro %}
