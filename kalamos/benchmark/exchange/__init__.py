"""Results for other collections: Every Eval Ever, the Hugging Face hub."""
