module lab.slipway/k3s-netpol

go 1.26
