module github.com/cert-manager/cert-manager/lab

go 1.26
