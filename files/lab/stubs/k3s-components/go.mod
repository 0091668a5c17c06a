module lab.slipway/k3s-components

go 1.26
