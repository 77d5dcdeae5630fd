"""Cases, runs, records, verdicts and bounds: everything that turns an access method into numbers."""
