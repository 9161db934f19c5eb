"""Program files of a period: versions, receipts, edits, and when each hospital's program began."""
