struct JSONError: Error {}
struct JSONReader: ~Copyable {}
