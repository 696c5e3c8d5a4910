"""The story of the broken bridge, beat by beat: what the guided and the headless demo both play."""
