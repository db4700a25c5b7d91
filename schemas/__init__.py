"""What crosses a boundary: record formats, topic catalogue, codec, ids. Knows no other room."""
