"""Everything that is received, with receipts: hospital submissions, CMS files, program files, protocols, references."""
