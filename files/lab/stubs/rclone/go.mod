module lab.slipway/rclone

go 1.26
