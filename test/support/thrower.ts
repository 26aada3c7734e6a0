// A program that fails at a known line: what the tests of bundled stacks bundle.
function fails(): never {
  const place = "line five, column nine of this file";

  throw new Error(place);
}

fails();
