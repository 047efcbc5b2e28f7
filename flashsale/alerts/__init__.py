"""The life of alerts, pure: what raises and resolves them, what people do with them, what a reader sees."""
