"""The spatial chunk index: where each chunk of each ground track lies, and where its bytes are."""
