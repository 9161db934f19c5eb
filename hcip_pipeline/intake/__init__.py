"""What comes in, each with a receipt: hospital submissions, CMS files, program files, protocols, reference tables."""
