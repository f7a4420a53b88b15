package runtime

import (
	"fmt"
	"net/netip"
)

// addresses gives out the addresses of a block, each to one sandbox at a time. It goes round the block, so that an
// address is not given again at once: somebody may still hold a connection to its last owner.
type addresses struct {
	block netip.Prefix
	inUse map[netip.Addr]bool
	last  netip.Addr
}

func newAddresses(block netip.Prefix) *addresses {
	block = block.Masked()
	return &addresses{block: block, inUse: map[netip.Addr]bool{}, last: block.Addr()}
}

// take gives a free address. The first of the block and its last are nobody's.
func (a *addresses) take() (netip.Addr, error) {
	address := a.last
	for range 1 << (a.block.Addr().BitLen() - a.block.Bits()) {
		address = address.Next()
		if !a.block.Contains(address) {
			address = a.block.Addr()
		}
		if address == a.block.Addr() || !a.block.Contains(address.Next()) || a.inUse[address] {
			continue
		}
		a.reserve(address)
		return address, nil
	}
	return netip.Addr{}, fmt.Errorf("no free address in %s: %d pods have one", a.block, len(a.inUse))
}

func (a *addresses) reserve(address netip.Addr) { a.inUse[address], a.last = true, address }

func (a *addresses) release(address netip.Addr) { delete(a.inUse, address) }
