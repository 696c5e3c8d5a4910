"""Indonesian, Javanese and Sundanese text. Plain Python: no Django, no network, no models yet.

Everything here is made of word lists and rules that a person can read in `data/`. It says so in
`MADE_BY`, gives the words that decided, and would rather say "not sure" than guess.
"""

MADE_BY = "rules/1"
