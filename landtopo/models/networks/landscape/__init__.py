"""What the graph of a landscape has to know of students: lineage, corners, symmetries, copies."""
