"""Indonesian, its regional languages, and how citizens write them. Plain Python and NumPy: no
Django, no network, nothing leaves the machine.

Word lists that a person can read are in `data/`, the shipped model in `models/`; `train/` rebuilds
it. What they suggest says so in `MADE_BY`, gives the words that decided, and would rather say "not
sure" than guess.
"""

MADE_BY = "fast/8"
