"""What the options say that `conform` and `recheck` share: what a run is held to."""

GATE = "Whose rules decide the exit status: the contract's MUST, those that the official SDKs need, or both."
RULES = "Score the rules of this set alone, YYYY.MM; later ones are told."
BASELINE = "Expected failures and breadth, as `imageproof baseline update` writes them: the rest fails."
STALE = "What becomes of entries of the baseline that expired or pass now."
