"""Stage 4, execution: its eight steps live in publishing (1-3), inbox (4-5), followup (6-8)."""
