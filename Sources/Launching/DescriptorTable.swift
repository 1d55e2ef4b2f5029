package import Linux

/// Descriptors by index, owned together: what a plan hands to the child.
package struct DescriptorTable: ~Copyable {
    /// Borrowed, in the order of their indexes.
    private(set) var numbers: [Int32] = []

    /// An empty table.
    package init() {}

    deinit { for number in numbers where number >= 0 { _ = OwnedDescriptor(taking: number) } }

    package var count: Int { numbers.count }

    /// Takes over `descriptor` as the next index.
    package mutating func append(_ descriptor: consuming OwnedDescriptor) { numbers.append(descriptor.release()) }

    /// A borrowed view of one.
    package subscript(index: Int) -> Descriptor { Descriptor(numbers[index]) }
}
