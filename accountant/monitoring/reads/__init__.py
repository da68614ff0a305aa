"""What each page shows, read by named functions: a page, its function and bare SQL give the same numbers."""
