"""Speed: scans of a real tree, as ratios to parsing the same files with `ast`."""
