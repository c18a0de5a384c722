"""Actions: what a person does about rows, planned, guarded, recorded and reversible."""
