// SPDX-License-Identifier: Apache-2.0
pragma solidity =0.8.37;

/// The part of ERC-20 that a transfer needs, for benchmarks.contracts. build.js compiles it.
contract Token {
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed source, address indexed to, uint256 units);

    function transfer(address to, uint256 units) external returns (bool) {
        uint256 balance = balanceOf[msg.sender];
        require(units <= balance, "balance too low");
        unchecked {
            balanceOf[msg.sender] = balance - units;
        }
        balanceOf[to] += units;
        emit Transfer(msg.sender, to, units);
        return true;
    }
}
