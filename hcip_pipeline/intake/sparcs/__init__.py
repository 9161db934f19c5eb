"""New York SPARCS: the public inpatient discharge file as tables of the lake (inputs.md, "New York SPARCS")."""
