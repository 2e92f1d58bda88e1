"""Takes a table with dates some steps ahead, from the past of each unit and its embedding."""
